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

function Add-StoreRule {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    $parameters = ConvertTo-Parameter -Rule $Rule
    if ($Store['Session'] -ne '') {
        $parameters['GPOSession'] = $Store['Session']
    }
    else {
        $parameters['PolicyStore'] = $Store['Name']
    }
    New-NetFirewallRule @parameters -ErrorAction Stop | Out-Null
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
    if ($Store['Session'] -ne '') {
        Clear-SessionRule -Session $Store['Session'] -Name $Rule['Name']
        Add-StoreRule -Store $Store -Rule $Rule
        return
    }
    $parameters = @{ PolicyStore = $Store['Name']; Name = $Rule['Name'] }
    # Nothing takes these away from a rule once it has them.
    $lasting = @('Owner', 'Package', 'RemoteDynamicKeywordAddresses')
    $lost = @($Field | Where-Object { $_ -in $lasting -and -not $Rule.ContainsKey($_) })
    if ($lost.Count -gt 0) {
        Remove-NetFirewallRule @parameters -ErrorAction Stop
        Add-StoreRule -Store $Store -Rule $Rule
        return
    }
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

function Clear-SessionRule {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Session,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    $command = Get-Command -Name 'Remove-NetFirewallRule' -ErrorAction Stop
    if ($command.Parameters.ContainsKey('GPOSession')) {
        Remove-NetFirewallRule -GPOSession $Session -Name $Name -ErrorAction Stop
        return
    }
    # Windows Server 2022 took the parameter from the cmdlet, but not from what is below it.
    $type = 'Microsoft.Management.Infrastructure.Options.CimOperationOptions'
    $options = New-Object -TypeName $type
    $options.SetCustomOption('GPOSession', $Session, $false)
    $cim = [Microsoft.Management.Infrastructure.CimSession]::Create($null)
    try {
        $space = 'ROOT\StandardCimv2'
        $found = @($cim.EnumerateInstances($space, 'MSFT_NetFirewallRule', $options))
        foreach ($rule in $found) {
            if ("$($rule.CimInstanceProperties['InstanceID'].Value)" -eq $Name) {
                $cim.DeleteInstance($space, $rule, $options)
            }
        }
    }
    finally {
        $cim.Dispose()
    }
}

function Test-StoreRule {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    $all = @(Get-NetFirewallRule -PolicyStore $Store['Name'] -ErrorAction Stop)
    @($all | Where-Object { $_.Name -eq $Name }).Count -gt 0
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
        'RemoveRule' {
            if ($Store['Session'] -ne '') {
                Clear-SessionRule -Session $Store['Session'] -Name $name
            }
            else {
                $parameters = @{ PolicyStore = $Store['Name']; Name = $name }
                Remove-NetFirewallRule @parameters -ErrorAction Stop
            }
        }
        'Setting' { Write-Setting -Name $name -Value $Change['Value'] }
        'Memory' { Write-Memory -Key $Change['Key'] -Name $name -Value $Change['Value'] }
        'Proxy' { Write-ProxyState -Layer $Change['Layer'] -State $Change['State'] }
        default { throw ('There is no change of kind {0}.' -f $_) }
    }
}

function Undo-Change {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    # Whether the change was made, and whether all of it, is not known: it may have failed.
    $inverse = $Change.Clone()
    switch ($Change['Kind']) {
        'NewKeyword' {
            if (-not (Get-DynamicKeyword).ContainsKey($Change['Keyword']['Id'].Trim('{', '}'))) {
                return
            }
            $inverse['Kind'] = 'RemoveKeyword'
        }
        'SetKeyword' { $inverse['Keyword'] = $Change['Former'] }
        'RemoveKeyword' {
            if ((Get-DynamicKeyword).ContainsKey($Change['Keyword']['Id'].Trim('{', '}'))) {
                return
            }
            $inverse['Kind'] = 'NewKeyword'
        }
        'NewRule' {
            if (-not (Test-StoreRule -Store $Store -Name $Change['Name'])) {
                return
            }
            $inverse['Kind'] = 'RemoveRule'
        }
        'SetRule' {
            $inverse['Rule'] = $Change['Former']
            # It may have been removed, to be made anew.
            if (-not (Test-StoreRule -Store $Store -Name $Change['Name'])) {
                $inverse['Kind'] = 'NewRule'
            }
        }
        'RemoveRule' {
            if (Test-StoreRule -Store $Store -Name $Change['Name']) {
                return
            }
            $inverse['Kind'] = 'NewRule'
            $inverse['Rule'] = $Change['Former']
        }
        'Proxy' { $inverse['State'] = $Change['Former'] }
        default { $inverse['Value'] = $Change['Former'] }
    }
    Invoke-Change -Change $inverse -Store $Store
}

function Undo-All {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    Write-Warning -Message 'Not everything could be done: what this run did is undone.'
    for ($i = $Change.Count - 1; $i -ge 0; $i--) {
        try {
            Undo-Change -Change $Change[$i] -Store $Store
        }
        catch {
            $text = '{0} could not be put back ({1}): {2}'
            Write-Warning -Message ($text -f $Change[$i]['Name'], $Change[$i]['Kind'], $_)
        }
    }
}
