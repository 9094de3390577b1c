# ---- the engine, proxy: what is different, and what to do about it; the same in every script ----
# What was there before the first Apply is kept in the registry, in a key for each owner
# (memory.ps1): proxies of scripts for other clusters and groups are not taken back.

$proxyLayers = @('WinINet', 'WinHTTP', 'Environment', 'Azure Arc agent')

function ConvertFrom-ProxyMemory {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Text,

        [Parameter(Mandatory = $true)]
        [string] $Layer
    )
    try {
        ConvertTo-Table -InputObject (ConvertFrom-Json -InputObject $Text)
    }
    catch {
        $fault = 'Nothing was changed: what the proxy of {0} was before cannot be read (value {1} of'
        $fault += ' {2}). Set that proxy by hand, delete the value and run this again. {3}'
        throw ($fault -f $Layer, $Layer, $proxyKey, $_)
    }
}

function Read-ProxyLayer {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer,

        # Whether it is an error if the Azure Arc agent does not say it.
        [Parameter(Mandatory = $true)]
        [bool] $Stops
    )
    # Whether it could be read, and what it is: nothing of a part that this server does not have.
    $read = @{ Known = $true; State = $null }
    try {
        $read['State'] = Get-ProxyState -Layer $Layer
    }
    catch {
        if ($Layer -ne 'Azure Arc agent') {
            throw
        }
        $text = 'The proxy of the Azure Arc agent could not be read: {0}' -f $_
        if ($Stops) {
            throw ('Nothing was changed. {0}' -f $text)
        }
        Write-Warning -Message ('{0} It stays as it is.' -f $text)
        $read['Known'] = $false
    }
    $read
}

function Get-ProxyFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Proxy,

        # What this script and the others remember.
        [Parameter(Mandatory = $true)]
        [hashtable] $Memory,

        [Parameter(Mandatory = $true)]
        [hashtable] $OtherMemory,

        [Parameter(Mandatory = $true)]
        [bool] $Stops
    )
    # State is what the part should be set to; Former what it is now.
    $wanted = Get-WantedProxyState -Proxy $Proxy
    foreach ($layer in $proxyLayers) {
        $name = 'Proxy of {0}' -f $layer
        if (-not $wanted.ContainsKey($layer) -and -not $Memory.ContainsKey($layer)) {
            continue
        }
        $read = Read-ProxyLayer -Layer $layer -Stops $Stops
        $live = $read['State']
        if ($read['Known'] -and $null -eq $live -and $Memory.ContainsKey($layer)) {
            $text = '{0}: it was set once, and is not found any more (an agent that was removed?).'
            Write-Warning -Message ($text -f $name)
        }
        # Of a part that is gone there is only the memory, which goes, too.
        if (-not $read['Known'] -or ($null -eq $live -and $wanted.ContainsKey($layer))) {
            continue
        }
        $finding = [pscustomobject] @{
            Name = $name; Finding = 'Stale'; Detail = ''; Layer = $layer; State = $null
            Former = $live; Memory = $Memory[$layer]; Before = $OtherMemory[$layer]
        }
        if (-not $wanted.ContainsKey($layer)) {
            $finding.State = ConvertFrom-ProxyMemory -Text $Memory[$layer] -Layer $layer
            if ($OtherMemory.ContainsKey($layer)) {
                $finding.Detail = 'Stays: the script of another cluster or group has set it, too'
            }
        }
        else {
            $state = $wanted[$layer]
            $different = @(
                foreach ($key in @($state.Keys | Sort-Object)) {
                    # Lists may come back in another order.
                    $right = ConvertTo-ListText -Value @($state[$key] -split '[;,\s]+')
                    $is = ConvertTo-ListText -Value @("$($live[$key])" -split '[;,\s]+')
                    if ($live.ContainsKey($key) -and $right -ne $is) {
                        $key
                    }
                }
            )
            # Whoever has set it alike may put back another: what was there before is remembered.
            if ($different.Count -eq 0 -and
                ($Memory.ContainsKey($layer) -or -not $OtherMemory.ContainsKey($layer))) {
                continue
            }
            $finding.State = $state
            $finding.Finding = 'Changed: {0}' -f ($different -join ', ')
            if (-not $Memory.ContainsKey($layer)) {
                $finding.Finding = 'Missing'
            }
        }
        $finding
    }
}

function Get-ProxyChange {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Finding
    )
    foreach ($item in $Finding) {
        $memory = @{
            Kind = 'Memory'; Name = $item.Layer; Key = $proxyKey; Value = $null
            Former = $item.Memory
        }
        $setting = @{
            Kind = 'Proxy'; Name = $item.Name; Layer = $item.Layer; State = $item.State
            Former = $item.Former; Text = 'Set proxy'; Finding = 'Set'
        }
        foreach ($change in @($memory, $setting)) {
            $change['Subject'] = $item.Name
        }
        if ($item.Finding -eq 'Stale') {
            $setting['Text'] = 'Restore what was there before'
            $setting['Finding'] = 'Restored'
            $memory['Text'] = $setting['Text']
            if ($null -ne $item.Former -and $null -eq $item.Before) {
                $setting
            }
            else {
                $memory['Finding'] = 'Forgotten'
            }
            $memory
            continue
        }
        $memory['Text'] = $setting['Text']
        if ($null -eq $memory['Former']) {
            $memory['Value'] = $item.Before
            if ($null -eq $item.Before) {
                $memory['Value'] = ConvertTo-Json -InputObject $item.Former -Compress
            }
            $memory
        }
        $setting
    }
}

function Add-ProxyState {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $State
    )
    foreach ($layer in $proxyLayers) {
        $read = Read-ProxyLayer -Layer $layer -Stops $false
        if ($null -ne $read['State']) {
            $State['Proxy'][$layer] = $read['State']
        }
    }
}

function Get-ProxyRestore {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $State,

        [Parameter(Mandatory = $true)]
        [hashtable] $Backup,

        [Parameter(Mandatory = $true)]
        [hashtable] $OtherMemory
    )
    foreach ($layer in @($State['Proxy'].Keys | Sort-Object)) {
        if (-not $Backup['Proxy'].ContainsKey($layer)) {
            continue
        }
        $name = 'Proxy of {0}' -f $layer
        $wanted = $Backup['Proxy'][$layer]
        $live = $State['Proxy'][$layer]
        $different = @(
            $wanted.Keys | Where-Object { "$($wanted[$_])" -ne "$($live[$_])" -and $_ -ne 'Others' }
        )
        $isOther = $OtherMemory.ContainsKey($layer)
        if ($isOther -and $different.Count -gt 0 -and
            -not $Backup['ProxyMemory'].ContainsKey($layer)) {
            $text = '{0} stays as it is: the script of another cluster or group has set it.'
            Write-Warning -Message ($text -f $name)
        }
        elseif ($different.Count -gt 0) {
            @{
                Kind = 'Proxy'; Name = $name; Layer = $layer; State = $wanted; Former = $live
                Text = 'Restore proxy'; Finding = 'Restored'; Subject = $name
            }
        }
        $memory = @{ Kind = 'Memory'; Name = $layer; Key = $proxyKey; Subject = $name }
        $memory['Text'] = 'Restore proxy'
        $memory['Value'] = $Backup['ProxyMemory'][$layer]
        $memory['Former'] = $State['ProxyMemory'][$layer]
        if ("$($memory['Value'])" -ne "$($memory['Former'])") {
            $memory
        }
    }
}
