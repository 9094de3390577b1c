# ---- the engine, changes: one at a time, and each can be taken back; the same in every script ---
# A change is a table: its Kind, what it is about, and what was there before (Former).

function Get-DynamicKeyword {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    # By id, without braces. Older servers have none.
    $found = @{}
    $command = 'Get-NetFirewallDynamicKeywordAddress'
    if ($null -eq (Get-Command -Name $command -ErrorAction SilentlyContinue)) {
        return $found
    }
    try {
        $all = @(Get-NetFirewallDynamicKeywordAddress -All -ErrorAction Stop)
    }
    catch {
        # When there are none the cmdlet reports that as an error.
        if ("$($_.CategoryInfo.Category)" -ne 'ObjectNotFound') {
            throw
        }
        $all = @()
    }
    foreach ($item in $all) {
        $id = "$($item.Id)".Trim([char[]] '{}')
        $keyword = @{ Id = "{$id}"; Keyword = "$($item.Keyword)" }
        if ("$(Get-PropertyValue -InputObject $item -Name 'AutoResolve')" -ne 'True') {
            $keyword['Addresses'] = "$(Get-PropertyValue -InputObject $item -Name 'Addresses')"
        }
        $found[$id] = $keyword
    }
    $found
}

function Get-StorePlace {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    # The parameter that says where a change is made.
    if ($Store['Session'] -ne '') {
        return @{ GPOSession = $Store['Session'] }
    }
    @{ PolicyStore = $Store['Name'] }
}

function Add-StoreRule {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    $parameters = ConvertTo-Parameter -Rule $Rule
    $place = Get-StorePlace -Store $Store
    New-NetFirewallRule @parameters @place -ErrorAction Stop | Out-Null
}

function ConvertTo-Parameter {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    $parameters = $Rule.Clone()
    foreach ($item in @(Get-RuleField | Where-Object { $_['Kind'] -eq 'Flag' })) {
        if ($parameters.ContainsKey($item['Name'])) {
            $parameters[$item['Name']] = "$($parameters[$item['Name']])" -eq 'True'
        }
    }
    $parameters
}

function Edit-StoreRule {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Field
    )
    # In place, so that there is no moment without the rule. Within a session nothing is in force
    # before all is, and newer versions of Set-NetFirewallRule know no session.
    # Nothing takes these away from a rule once it has them.
    $lasting = @('Owner', 'Package', 'PackageFamilyName', 'PolicyAppId')
    $lasting += 'RemoteDynamicKeywordAddresses'
    $lost = @($Field | Where-Object { $_ -in $lasting -and -not $Rule.ContainsKey($_) })
    if ($Store['Session'] -ne '' -or $lost.Count -gt 0) {
        Clear-StoreRule -Store $Store -Name $Rule['Name']
        Add-StoreRule -Store $Store -Rule $Rule
        return
    }
    $parameters = @{ PolicyStore = $Store['Name']; Name = $Rule['Name'] }
    $names = @($Field)
    # Windows checks ports and types against the protocol that it is told with them.
    $bound = @('Protocol', 'LocalPort', 'RemotePort', 'IcmpType')
    if (@($names | Where-Object { $_ -in $bound }).Count -gt 0) {
        $names = @($names | Where-Object { $_ -notin $bound }) + 'Protocol'
        switch (ConvertTo-ProtocolText -Value "$($Rule['Protocol'])") {
            { $_ -in @('tcp', 'udp') } { $names += @('LocalPort', 'RemotePort') }
            { $_ -in @('icmpv4', 'icmpv6') } { $names += 'IcmpType' }
        }
    }
    foreach ($item in @(Get-RuleField | Where-Object { $_['Name'] -in $names })) {
        $parameters[$item['Name']] = $item['Default']
        if ($Rule.ContainsKey($item['Name'])) {
            $parameters[$item['Name']] = $Rule[$item['Name']]
        }
    }
    $parameters = ConvertTo-Parameter -Rule $parameters
    Set-NetFirewallRule @parameters -ErrorAction Stop
}

function Clear-StoreRule {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    $place = Get-StorePlace -Store $Store
    $command = Get-Command -Name 'Remove-NetFirewallRule' -ErrorAction Stop
    if ($command.Parameters.ContainsKey(@($place.Keys)[0])) {
        Remove-NetFirewallRule @place -Name $Name -ErrorAction Stop
        return
    }
    # Windows Server 2022 took the parameter from the cmdlet, but not from what is below it. Whatever
    # goes was there when the session began.
    $space = 'ROOT\StandardCimv2'
    if ($null -eq $Store['Cim']) {
        $type = 'Microsoft.Management.Infrastructure.Options.CimOperationOptions'
        $options = New-Object -TypeName $type
        $options.SetCustomOption('GPOSession', $Store['Session'], $false)
        $Store['CimOptions'] = $options
        $Store['CimRules'] = @{}
        $Store['Cim'] = New-CimSession -ErrorAction Stop
        $found = @($Store['Cim'].EnumerateInstances($space, 'MSFT_NetFirewallRule', $options))
        foreach ($rule in $found) {
            $id = "$($rule.CimInstanceProperties['InstanceID'].Value)"
            $Store['CimRules'][$id] = $rule
        }
    }
    $Store['Cim'].DeleteInstance($space, $Store['CimRules'][$Name], $Store['CimOptions'])
}

function Test-Subject {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    # Whether the rule or dynamic keyword of ours that the change is about is there.
    if ($Change['Kind'] -like '*Keyword') {
        return (Get-DynamicKeyword).ContainsKey($Change['Keyword']['Id'].Trim('{', '}'))
    }
    $parameters = @{ PolicyStore = $Store['Name']; Name = $Change['Name'] }
    try {
        $found = @(Get-NetFirewallRule @parameters -ErrorAction Stop)
    }
    catch {
        if ("$($_.CategoryInfo.Category)" -ne 'ObjectNotFound') {
            throw
        }
        return $false
    }
    @($found | Where-Object { $_.Group -eq $Store['MemoryRule']['Group'] }).Count -gt 0
}

function Invoke-Change {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    $name = $Change['Name']
    switch ($Change['Kind']) {
        'NewKeyword' {
            $parameters = $Change['Keyword'].Clone()
            if (-not $parameters.ContainsKey('Addresses')) {
                $parameters['AutoResolve'] = $true
            }
            New-NetFirewallDynamicKeywordAddress @parameters -ErrorAction Stop | Out-Null
        }
        'SetKeyword' {
            $parameters = @{ Id = $Change['Keyword']['Id'] }
            $parameters['Addresses'] = $Change['Keyword']['Addresses']
            Update-NetFirewallDynamicKeywordAddress @parameters -ErrorAction Stop | Out-Null
        }
        'RemoveKeyword' {
            $parameters = @{ Id = $Change['Keyword']['Id'] }
            Remove-NetFirewallDynamicKeywordAddress @parameters -ErrorAction Stop
        }
        'NewRule' { Add-StoreRule -Store $Store -Rule $Change['Rule'] }
        'SetRule' { Edit-StoreRule -Store $Store -Rule $Change['Rule'] -Field $Change['Field'] }
        'RemoveRule' { Clear-StoreRule -Store $Store -Name $name }
        'Setting' { Write-Setting -Store $Store -Change $Change }
        'Memory' { Write-Memory -Store $Store -Change $Change }
        'Proxy' { Write-ProxyState -Layer $Change['Layer'] -State $Change['State'] }
        default { throw ('There is no change of kind {0}.' -f $_) }
    }
}

function Assert-SameVersion {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        # Every rule that was read, and those of ours as parameters.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $EveryRule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Live
    )
    # A domain controller may not have yet what another has, of which the plan was made. Newer
    # versions of Get-NetFirewallRule know no session; the filters, of which each rule has one, do.
    # Rules of IPsec have such filters, too: what is there has to be here, whatever it belongs to.
    $field = @{ Name = 'RemoteAddress'; Kind = 'Address'; Default = 'Any' }
    $there = @{}
    $session = $Store['Session']
    foreach ($filter in @(Get-NetFirewallAddressFilter -GPOSession $session -ErrorAction Stop)) {
        $there["$($filter.InstanceID)"] = $filter
    }
    $known = @{}
    $parameters = @{ PolicyStore = $Store['Name'] }
    foreach ($item in @(Get-NetFirewallAddressFilter @parameters -ErrorAction Stop) + $EveryRule) {
        $known["$($item.InstanceID)"] = $true
    }
    $same = @($EveryRule | Where-Object { -not $there.ContainsKey("$($_.InstanceID)") }).Count -eq 0
    $same = $same -and @($there.Keys | Where-Object { -not $known.ContainsKey($_) }).Count -eq 0
    foreach ($item in $EveryRule) {
        $name = "$($item.Name)"
        if ($same -and $Live.ContainsKey($name)) {
            $here = ConvertTo-FieldText -Field $field -Value $Live[$name]['RemoteAddress']
            $now = $there["$($item.InstanceID)"].RemoteAddress
            $same = $here -eq (ConvertTo-FieldText -Field $field -Value $now)
        }
    }
    if (-not $same) {
        $text = 'The domain controller has another version of the Group Policy object than was read'
        throw ($text + ' here. Wait until it has been replicated, then run this again.')
    }
}

function Enter-Run {
    [CmdletBinding()]
    [OutputType([System.Threading.Mutex])]
    param ()
    $arguments = @($false, 'Global\hcipolc')
    $mutex = $null
    $isFree = $false
    try {
        $mutex = New-Object -TypeName 'System.Threading.Mutex' -ArgumentList $arguments
        $isFree = $mutex.WaitOne(0)
    }
    catch [System.Threading.AbandonedMutexException] {
        # Whoever had it ended without giving it back.
        $isFree = $true
    }
    catch {
        # Whoever has it is another account, which lets nobody else touch it.
        if ($_.Exception.GetBaseException() -isnot [System.UnauthorizedAccessException]) {
            throw
        }
    }
    if (-not $isFree) {
        if ($null -ne $mutex) {
            $mutex.Dispose()
        }
        throw 'Nothing was changed: another run of such a script is going on here. Wait for its end.'
    }
    $mutex
}

function Exit-Run {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [System.Threading.Mutex] $Mutex
    )
    if ($null -ne $Mutex) {
        $Mutex.ReleaseMutex()
        $Mutex.Dispose()
    }
}
